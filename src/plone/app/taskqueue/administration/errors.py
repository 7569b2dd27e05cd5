"""What cannot be done to a job, in a sentence for whoever asked for it."""


class ActionError(ValueError):
    """It cannot be done now, and nothing was changed.

    Its only argument is the sentence, which can be translated.
    """
