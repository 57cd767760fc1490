"""Speech engines: text -> 8 kHz PCM, one interface for all (:class:`tts.engines.speech.Engine`).

RHVoice is the default; espeak-ng speaks what it does not, and badly; Google is off until the administrator accepts that
text leaves the house; piper speaks where a voice file is given. :class:`tts.engines.chain.Chain` tries them in turn.
"""
