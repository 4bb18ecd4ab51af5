"""The optional model: a second ear for what the interviewer's own is unsure of, and a warmer mouth.

`prompt` says what it gets, `schema` and `manners` what counts of its answer, `endpoint` reaches it, `consultant`
decides when it is asked. Nothing here opens a guide or a solution.
"""
