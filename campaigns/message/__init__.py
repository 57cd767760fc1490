"""What a callee hears: a message made of blocks, the same for all or with each contact's own numbers (N9, N15).

``blocks`` says what a message is, ``compose`` what one contact hears of it. Both are pure.
"""
