"""tl.gan: pictures that a net invents, and how good they are."""
