"""Who answers. `port` is the door; every backend is imported only when a tier needs it."""
