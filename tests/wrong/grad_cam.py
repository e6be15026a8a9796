"""Ways to get exercise grad_cam wrong, and other ways to get it right."""

import numpy as np


def grad_cam__sum(activations, gradients):
    """sum of the gradients over the places | take the mean"""
    return np.maximum((gradients.sum((2, 3), keepdims=True) * activations).sum(1), 0)


def grad_cam__no_relu(activations, gradients):
    """without the ReLU at the end"""
    return (gradients.mean((2, 3), keepdims=True) * activations).sum(1)


def grad_cam__relu_on_the_weights(activations, gradients):
    """ReLU on the weights α"""
    return (np.maximum(gradients.mean((2, 3), keepdims=True), 0) * activations).sum(1)


def grad_cam__relu_on_both(activations, gradients):
    """ReLU on the weights α too"""
    return np.maximum((np.maximum(gradients.mean((2, 3), keepdims=True), 0) * activations).sum(1), 0)


def grad_cam__relu_on_the_gradients(activations, gradients):
    """ReLU on the gradients"""
    return np.maximum((np.maximum(gradients, 0).mean((2, 3), keepdims=True) * activations).sum(1), 0)


def grad_cam__relu_before_the_sum(activations, gradients):
    """before the sum"""
    return np.maximum(gradients.mean((2, 3), keepdims=True) * activations, 0).sum(1)


def grad_cam__max(activations, gradients):
    """largest gradient of a channel"""
    return np.maximum((gradients.max((2, 3), keepdims=True) * activations).sum(1), 0)


def grad_cam__absolute_weights(activations, gradients):
    """their signs count"""
    return np.maximum((np.abs(gradients).mean((2, 3), keepdims=True) * activations).sum(1), 0)


def grad_cam__by_place(activations, gradients):
    """HiResCAM"""
    return np.maximum((gradients * activations).sum(1), 0)


def grad_cam__mean_of_channels(activations, gradients):
    """mean over the channels"""
    return np.maximum((gradients.mean((2, 3), keepdims=True) * activations).mean(1), 0)


def grad_cam__weights_of_all_pictures(activations, gradients):
    """over the pictures too"""
    return np.maximum((gradients.mean((0, 2, 3), keepdims=True) * activations).sum(1), 0)


def grad_cam__weights_of_the_first(activations, gradients):
    """first picture's weights for all"""
    alpha = gradients[0].mean((1, 2))
    return np.maximum(np.tensordot(alpha, activations, (0, 1)), 0)


def grad_cam__mean_over_rows(activations, gradients):
    """is"""
    return np.maximum((gradients.mean(2, keepdims=True) * activations).sum(1), 0)


def grad_cam__exchanged(activations, gradients):
    """exchanged"""
    return np.maximum((activations.mean((2, 3), keepdims=True) * gradients).sum(1), 0)


def grad_cam__between_0_and_1(activations, gradients):
    """by their largest value | do not normalise"""
    maps = np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1), 0)
    return maps / (maps.max((1, 2), keepdims=True) + 1e-12)


def grad_cam__divided_by_0(activations, gradients):
    """by their largest value | do not normalise"""
    maps = np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1), 0)
    return maps / maps.max((1, 2), keepdims=True)


def grad_cam__over_the_largest_of_all(activations, gradients):
    """by their largest value | do not normalise"""
    maps = np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1), 0)
    return maps / (maps.max() + 1e-8)


def grad_cam__stretched(activations, gradients):
    """grad_cam | do not normalise"""
    maps = np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1), 0)
    low, top = maps.min((1, 2), keepdims=True), maps.max((1, 2), keepdims=True)
    return (maps - low) / (top - low + 1e-8)


def grad_cam__channel_kept(activations, gradients):
    """shape | axis of size 1"""
    return np.maximum((gradients.mean((2, 3), keepdims=True) * activations).sum(1, keepdims=True), 0)


def grad_cam__not_broadcast(activations, gradients):
    """ValueError | broadcast | line"""
    return np.maximum((gradients.mean((2, 3)) * activations).sum(1), 0)


def grad_cam__not_summed(activations, gradients):
    """shape"""
    return np.maximum(gradients.mean((2, 3), keepdims=True) * activations, 0)


def grad_cam__in_place(activations, gradients):
    """writes to its argument activations"""
    activations *= gradients.mean((2, 3), keepdims=True)
    return np.maximum(activations.sum(1), 0)


def grad_cam__right_by_einsum(activations, gradients):
    """right"""
    return np.einsum("nk,nkij->nij", gradients.mean((2, 3)), activations).clip(0)


def grad_cam__right_by_loops(activations, gradients):
    """right"""
    n, k, h, w = activations.shape
    maps = np.zeros((n, h, w))
    for a in range(n):
        for b in range(k):
            maps[a] += gradients[a, b].mean() * activations[a, b]
    return np.where(maps > 0, maps, 0)


def grad_cam__right_in_float32_as_a_list(activations, gradients):
    """right"""
    a, g = np.float32(activations), np.float32(gradients)
    return [np.maximum((x * y.mean((1, 2))[:, None, None]).sum(0), 0) for x, y in zip(a, g)]


def grad_cam__right_by_matmul(activations, gradients):
    """right"""
    n, k, h, w = activations.shape
    maps = gradients.reshape(n, k, -1).mean(2)[:, None] @ activations.reshape(n, k, -1)
    return maps.reshape(n, h, w) * (maps.reshape(n, h, w) > 0)
