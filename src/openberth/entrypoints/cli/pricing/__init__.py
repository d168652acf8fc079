"""What the commands of tariffs ask, how they get answers with and without a server, and how they show them."""
