"""What the user can do: each operator gathers, calls one function, reports."""
