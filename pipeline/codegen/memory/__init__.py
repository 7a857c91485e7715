"""The arena: what needs memory when, and where it lies.

`parts` says which tensors lie in others, `lives` from when to when each is needed, `overlap`
how far an output may reach into a dying input, `plan` where everything goes, `arena` puts it
together, and `schedule` finds the order of ops that needs the least.
"""
