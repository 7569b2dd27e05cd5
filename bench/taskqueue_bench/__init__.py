"""The benchmark: one module for each part, see ``main.PARTS``."""
