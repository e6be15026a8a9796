"""How exactly the GPU multiplies float32: tl.set_float32_matmul_precision."""

from __future__ import annotations

from tinylucid_kernels.gpu import product


def set_float32_matmul_precision(precision: str) -> None:
    """Choose between exact and fast products of float32 on the GPU: matmul, linear, convolution, and their gradients.

    "highest", the default, multiplies float32 as it is. "high" multiplies on tensor cores, in TF32: each operand is rounded to
    the nearest number with 10 bits behind the point instead of 23, a relative error of at most 2⁻¹¹; products are exact and
    summed in float32. So a sum Σ a·b is wrong by at most 2·2⁻¹¹·Σ|a||b|, one part in a thousand, besides the usual error of
    a sum in float32; results are the same bits each time. Training rarely notices; gradcheck, which wants float64, never does.

    The setting holds for the whole program from the next product on. It changes nothing on the CPU, in float64, in convolutions
    of one channel a group, and on GPUs older than Ampere (compute capability below 8), which have no TF32. The names are
    PyTorch's, whose convolutions have a switch of their own (``torch.backends.cudnn.allow_tf32``); its "medium", which
    multiplies bfloat16, is not here.

    Raises ValueError for another name.
    """
    if precision not in product.PRECISIONS:
        hint = (
            "; PyTorch's 'medium' multiplies bfloat16, which is not here: take 'high'" if precision == "medium" else ""
        )
        raise ValueError(
            f"set_float32_matmul_precision: expected 'highest' (float32) or 'high' (TF32), got {precision!r}{hint}"
        )
    product.precision = precision


def get_float32_matmul_precision() -> str:
    """What set_float32_matmul_precision chose: "highest" or "high"."""
    return product.precision
