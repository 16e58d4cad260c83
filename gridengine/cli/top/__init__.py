"""``gridengine top``: what this user's programs are doing, in a terminal, all the time."""
