"""Wrong solutions that no diagnosis was made for."""

import numpy as np


def grad_cam__gradient_of_each_place(activations, gradients):
    """own gradient | a channel has one weight"""
    return np.maximum((gradients * activations).sum(axis=1), 0)


def grad_cam__stretched_to_1(activations, gradients):
    """divides the maps by their largest value | do not normalise"""
    weights = gradients.mean(axis=(2, 3), keepdims=True)
    cam = np.maximum((weights * activations).sum(axis=1), 0)
    return cam / (cam.max(axis=(1, 2), keepdims=True) + 1e-8)
