"""What a client can ask, each as a talk (`smserve.client.talk`): requests are built and answers read here, once."""
