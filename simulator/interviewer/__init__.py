"""The interviewer: `ear` turns a message into acts and requests, `mouth` words what is said."""
