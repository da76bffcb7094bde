"""What is shown of the workshop, the same to the command line and to the window: shapes, sentences, who is asked."""
