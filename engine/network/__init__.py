"""LHM's network in plain torch: one block a file, named as in the paper, read in the order of the data.

Letters of the shape comments, the same in every file::

    B  photos, always 1             N  query points            M  image tokens
    D  model width (1024)           H  attention heads (16)    d  channels of a head (64)
    C  width of the image tokens (1536)                        J  joints (55)

=====================  ===========================================================================
photo                  body_image, head_image (crops as the official code makes them), resample
image tokens           vit, dinov2 (head), sapiens (body), tokens (one row of both)
query points           dense_points, neutral_pose, point_embedding
transformer            global_embedding, attention, mmdit, body_head, transformer
Gaussians              gaussian_head, posing, from_tokens
whole                  config, model, key_names, layout, checkpoint, device, plan, run
=====================  ===========================================================================

Where the paper and the released weights differ, the weights decide, and a comment says so. Written from a
description of the mathematics and judged by tensors; no line comes from the official code.

Source: Qiu et al. 2025, LHM: Large Animatable Human Reconstruction Model.
"""
