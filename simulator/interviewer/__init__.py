"""The interviewer: `ear` turns text into acts and requests, `mouth` says things, `desk` fetches evidence."""
