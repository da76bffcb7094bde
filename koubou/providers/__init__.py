"""What everybody needs who speaks with a provider: answers as they come together, whose key serves, whom to trust."""
