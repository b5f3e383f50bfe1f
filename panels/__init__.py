"""What the user sees in the sidebar: drawing only."""
