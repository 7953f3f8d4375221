"""Who publishes weights, one file each: from a reference to what is published under it."""
