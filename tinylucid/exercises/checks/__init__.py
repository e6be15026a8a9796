"""For each exercise what it is compared with, how cases are drawn, the words of its diagnosis, and hints."""
