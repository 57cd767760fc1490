"""The message editor: what a form holds while somebody works on a message, and what it says when it is wrong.

``draft`` is the message as it stands on the screen, finished or not; ``form`` reads it; ``actions`` changes it;
``problems`` says what is wrong and where; ``heard`` shows what one contact hears; ``words`` names things.
"""
