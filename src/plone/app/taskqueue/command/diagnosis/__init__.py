"""What ``taskqueue doctor`` looks at: each finding is a sentence with its remedy.

Nothing here writes, except for a trial.
"""
