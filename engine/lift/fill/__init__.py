"""Fill: what the photo does not show, continued from what it does."""
