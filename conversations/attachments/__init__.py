"""From an uploaded file to a block that can be sent: recognised, checked and frozen in a child process."""
