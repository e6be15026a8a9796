"""The files that learners get: an exercise each, and nothing of its solution."""
