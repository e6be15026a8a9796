"""``python -m tinylucid``: the command line."""

from .cli import main

raise SystemExit(main())
