"""What others read: each module turns a session's state into one format."""
