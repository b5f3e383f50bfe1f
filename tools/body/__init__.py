"""The stages that make assets/body.npz, in the order of the data flow.

samples → skeleton → tpose → shape_space → regressor → expression → vertex_ids → landmarks → hands
→ file → facts
"""
