"""How far schedules reach, in seconds since the epoch or as lengths in seconds."""

#: Beginning of the year 5: no schedule looks further back.
EARLIEST = -62_009_366_400
#: Beginning of the year 9900: nothing is due any more.
LATEST = 250_246_627_200
#: No delay, jitter or window is longer: ten years.
LONGEST_DELAY = 10 * 366 * 86_400
