"""The other side: the supervisor and its workers. Never imported by the host side."""
