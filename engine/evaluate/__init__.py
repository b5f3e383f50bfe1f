"""How good an avatar is, measured on rendered people whose truth is known."""
