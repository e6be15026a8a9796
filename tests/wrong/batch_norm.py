"""Ways to get exercise batch_norm wrong, and other ways to get it right."""

import numpy as np

AXES = (0, 2, 3)


def along(a):
    return a.reshape(1, -1, 1, 1)


def normalised(x, running_mean, running_var, training, eps, axes=AXES, ddof=0):
    if training:
        mean, var = x.mean(axes, keepdims=True), x.var(axes, ddof=ddof, keepdims=True)
    else:
        mean, var = along(running_mean), along(running_var)
    return (x - mean) / np.sqrt(var + eps), 1 / np.sqrt(var + eps)


def gradients(g, x, weight, x_hat, s, mean=1.0, variance=1.0):
    gh = g * along(weight)
    gx = gh - mean * gh.mean(AXES, keepdims=True) - variance * x_hat * (gh * x_hat).mean(AXES, keepdims=True)
    return gx * s, (g * x_hat).sum(AXES), g.sum(AXES)


def forward__eps_outside_the_root(x, weight, bias, running_mean, running_var, training, eps):
    """√var + eps in the place of √(var + eps)"""
    mean, var = (x.mean(AXES), x.var(AXES)) if training else (running_mean, running_var)
    return (x - along(mean)) / (np.sqrt(along(var)) + eps) * along(weight) + along(bias)


def forward__no_eps(x, weight, bias, running_mean, running_var, training, eps):
    """what eps = 0.0 would give | eps is not used"""
    return normalised(x, running_mean, running_var, training, 0)[0] * along(weight) + along(bias)


def forward__no_root(x, weight, bias, running_mean, running_var, training, eps):
    """its root is missing"""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    return x_hat * s * along(weight) + along(bias)


def forward__unbiased(x, weight, bias, running_mean, running_var, training, eps):
    """with the unbiased variance | at training = True"""
    x_hat, _ = normalised(x, running_mean, running_var, training, eps, ddof=1)
    return x_hat * along(weight) + along(bias)


def forward__batch_axis_alone(x, weight, bias, running_mean, running_var, training, eps):
    """statistics over axis 0 alone | at training = True"""
    return normalised(x, running_mean, running_var, training, eps, axes=0)[0] * along(weight) + along(bias)


def running__batch_axis_alone(x, running_mean, running_var, momentum):
    """left by axis 0 alone | axes 0, 2 and 3"""
    mean, var = x.mean(axis=0), x.var(axis=0)
    moved = lambda old, new: (1 - momentum) * along(old)[0] + momentum * new
    return moved(running_mean, mean), moved(running_var, var)


def running__batch_axis_alone_unaligned(x, running_mean, running_var, momentum):
    """left by axis 0 alone | axes 0, 2 and 3"""
    m = len(x)
    mean, var = x.mean(axis=0), x.var(axis=0) * (m / max(m - 1, 1))
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var


def backward__batch_axis_alone(g, x, weight, bias, running_mean, running_var, training, eps):
    """left by axis 0 alone | axes 0, 2 and 3"""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    gx = gradients(g, x, weight, x_hat, s)[0] if training else g * along(weight) * s
    return gx, (g * x_hat).sum(0), g.sum(0)


def forward__unbroadcast_statistics(x, weight, bias, running_mean, running_var, training, eps):
    """line"""
    mean, var = (x.mean(AXES), x.var(AXES)) if training else (running_mean, running_var)
    return (x - mean) / np.sqrt(var + eps) * weight + bias


def backward__wholly_batch_axis_alone(g, x, weight, bias, running_mean, running_var, training, eps):
    """over axis 0 alone | axes 0, 2 and 3"""
    if not training:
        return gradients(g, x, weight, *normalised(x, running_mean, running_var, False, eps), 0.0, 0.0)
    x_hat, s = normalised(x, running_mean, running_var, training, eps, axes=0)
    gh = g * along(weight)
    gx = s * (gh - gh.mean(0) - x_hat * (gh * x_hat).mean(0))
    return gx, (g * x_hat).sum(AXES), g.sum(AXES)


def forward__picture_by_picture(x, weight, bias, running_mean, running_var, training, eps):
    """statistics of each picture by itself"""
    return normalised(x, running_mean, running_var, training, eps, axes=(2, 3))[0] * along(weight) + along(bias)


def forward__all_channels_together(x, weight, bias, running_mean, running_var, training, eps):
    """each channel has its own"""
    return normalised(x, running_mean, running_var, training, eps, axes=None)[0] * along(weight) + along(bias)


def forward__always_the_batch(x, weight, bias, running_mean, running_var, training, eps):
    """the batch's own statistics in evaluation"""
    return normalised(x, running_mean, running_var, True, eps)[0] * along(weight) + along(bias)


def forward__always_running(x, weight, bias, running_mean, running_var, training, eps):
    """what training = False would give"""
    return normalised(x, running_mean, running_var, False, eps)[0] * along(weight) + along(bias)


def forward__weight_along_the_last_axis(x, weight, bias, running_mean, running_var, training, eps):
    """Your y has shape | last axes"""
    return normalised(x, running_mean, running_var, training, eps)[0] * weight + bias


def forward__no_bias(x, weight, bias, running_mean, running_var, training, eps):
    """right if bias were 0"""
    return normalised(x, running_mean, running_var, training, eps)[0] * along(weight)


def running__biased(x, running_mean, running_var, momentum):
    """Your running_var is wrong | divided by m − 1"""
    return (
        (1 - momentum) * running_mean + momentum * x.mean(AXES),
        (1 - momentum) * running_var + momentum * x.var(AXES),
    )


def running__momentum_the_other_way(x, running_mean, running_var, momentum):
    """momentum = 1 − momentum"""
    return (
        momentum * running_mean + (1 - momentum) * x.mean(AXES),
        momentum * running_var + (1 - momentum) * x.var(AXES, ddof=1),
    )


def running__in_place(x, running_mean, running_var, momentum):
    """writes to its argument running_mean"""
    running_mean += momentum * (x.mean(AXES) - running_mean)
    running_var += momentum * (x.var(AXES, ddof=1) - running_var)
    return running_mean, running_var


def running__standard_deviation(x, running_mean, running_var, momentum):
    """Your running_var is wrong | standard deviation in the place of the variance"""
    return (
        (1 - momentum) * running_mean + momentum * x.mean(AXES),
        (1 - momentum) * running_var + momentum * x.std(AXES, ddof=1),
    )


def running__not_decayed(x, running_mean, running_var, momentum):
    """the old ones are multiplied by 1 − momentum"""
    return running_mean + momentum * x.mean(AXES), running_var + momentum * x.var(AXES, ddof=1)


def running__as_pictures(x, running_mean, running_var, momentum):
    """an axis of size 1 is too many"""
    return tuple(along(a) for a in running__right_by_steps(x, running_mean, running_var, momentum))


def backward__evaluation_in_training(g, x, weight, bias, running_mean, running_var, training, eps):
    """path through the mean is missing | path through the variance is missing | at training = True"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), 0, 0)


def backward__mean_forgotten(g, x, weight, bias, running_mean, running_var, training, eps):
    """a sum of parts: the path through the mean is missing. | at training = True"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), 0, training)


def backward__variance_forgotten(g, x, weight, bias, running_mean, running_var, training, eps):
    """a sum of parts: the path through the variance is missing. | at training = True"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, 0)


def backward__variance_sign(g, x, weight, bias, running_mean, running_var, training, eps):
    """path through the variance has the wrong sign"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, -int(training))


def backward__training_in_evaluation(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for x is wrong | paths through mean and variance in evaluation | at training = False"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps))


def backward__no_weight(g, x, weight, bias, running_mean, running_var, training, eps):
    """right times weight, elementwise"""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    gx, _, _ = gradients(g, x, np.ones_like(weight), x_hat, s, training, training)
    return gx, (g * x_hat).sum(AXES), g.sum(AXES)


def backward__no_deviation(g, x, weight, bias, running_mean, running_var, training, eps):
    """right times 1/√(var + eps), elementwise"""
    x_hat, _ = normalised(x, running_mean, running_var, training, eps)
    return gradients(g, x, weight, x_hat, 1.0, training, training)


def backward__weight_of_x(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for weight is wrong | x in the place of x̂"""
    gx, _, gb = gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, training)
    return gx, (g * x).sum(AXES), gb


def backward__weight_not_divided(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for weight is wrong | right times 1/√(var + eps)"""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    gx, _, gb = gradients(g, x, weight, x_hat, s, training, training)
    return gx, (g * x_hat / s).sum(AXES), gb


def backward__bias_mean(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for bias is wrong | the size of all axes but axis 1 of x | the rule divides by it"""
    gx, gw, gb = gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, training)
    return gx, gw, gb / (x.size // x.shape[1])


def backward__over_n(g, x, weight, bias, running_mean, running_var, training, eps):
    """means over N in the place of m | at training = True"""
    k = x.shape[2] * x.shape[3] * training
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), k, k)


def backward__sums(g, x, weight, bias, running_mean, running_var, training, eps):
    """sums in the place of means | at training = True"""
    k = x.size // x.shape[1] * training
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), k, k)


def backward__no_eps(g, x, weight, bias, running_mean, running_var, training, eps):
    """eps = 0.0 would give"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, 0), training, training)


def backward__kept_axes(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for weight has shape | an axis of size 1 is too many"""
    gx, gw, gb = gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, training)
    return gx, along(gw), along(gb)


def backward__summed_over_the_batch_alone(g, x, weight, bias, running_mean, running_var, training, eps):
    """Your gradient for weight has shape"""
    x_hat, s = normalised(x, running_mean, running_var, training, eps)
    return gradients(g, x, weight, x_hat, s, training, training)[0], (g * x_hat).sum(0), g.sum(0)


def backward__no_bias(g, x, weight, bias, running_mean, running_var, training, eps):
    """returns 2 things | expected 3"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, training)[:2]


def backward__batch_in_evaluation(g, x, weight, bias, running_mean, running_var, training, eps):
    """the batch's own statistics in evaluation"""
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, True, eps))


def forward__right_channel_by_channel(x, weight, bias, running_mean, running_var, training, eps):
    """right"""
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        mean, var = (x[:, c].mean(), x[:, c].var()) if training else (running_mean[c], running_var[c])
        y[:, c] = weight[c] * (x[:, c] - mean) * (var + eps) ** -0.5 + bias[c]
    return y


def running__right_by_steps(x, running_mean, running_var, momentum):
    """right"""
    rows = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)
    var = rows.var(1) * rows.shape[1] / (rows.shape[1] - 1)
    return running_mean + momentum * (rows.mean(1) - running_mean), running_var + momentum * (var - running_var)


def backward__right_path_by_path(g, x, weight, bias, running_mean, running_var, training, eps):
    """right"""
    m = x.size // x.shape[1]
    mean, var = (x.mean(AXES), x.var(AXES)) if training else (running_mean, running_var)
    centred, s = x - along(mean), (along(var) + eps) ** -0.5
    gw, gb = np.einsum("nchw,nchw->c", g, centred * s), np.einsum("nchw->c", g)
    gx_hat = g * along(weight)
    gx = gx_hat * s
    if training:
        gvar = (gx_hat * centred).sum(AXES, keepdims=True) * -0.5 * s**3
        gmean = -(gx_hat * s).sum(AXES, keepdims=True)
        gx = gx + gvar * 2 * centred / m + gmean / m
    return gx, gw, gb


def backward__right_in_float32(g, x, weight, bias, running_mean, running_var, training, eps):
    """right"""
    g, x = np.float32(g), np.float32(x)
    return gradients(g, x, weight, *normalised(x, running_mean, running_var, training, eps), training, training)
