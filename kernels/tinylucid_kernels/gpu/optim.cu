// One step of an optimiser on one parameter p with gradient g, in place: one thread an element, one pass over memory.
// Numbers like 1 − β come from the host, where they are computed in float64; or, in a step that is replayed as a graph, from
// the device, as an array `live` in the order of the parameters whose place they take (else null).

__device__ __forceinline__ long long element() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

// βⁿ by squaring, as optim.py computes it: products of two doubles, each rounded, so that both get the same bits.
__device__ double power(double base, unsigned long long n) {
    double result = 1;
    for (; n; n >>= 1) {
        if (n & 1) result = __dmul_rn(result, base);
        base = __dmul_rn(base, base);
    }
    return result;
}

// What a step of Adam multiplies with, from the number of the step and settings = (lr, β₁, β₂, eps): one thread.
extern "C" __global__ void adam_numbers(const unsigned long long *__restrict__ step, const double *__restrict__ settings,
                                        double *__restrict__ live) {
    double beta1 = settings[1], beta2 = settings[2], correction = sqrt(__dsub_rn(1, power(beta2, *step)));
    live[0] = __ddiv_rn(__dmul_rn(settings[0], correction), __dsub_rn(1, power(beta1, *step)));
    live[1] = beta1;
    live[2] = beta2;
    live[3] = __dsub_rn(1, beta1);
    live[4] = __dsub_rn(1, beta2);
    live[5] = __dmul_rn(settings[3], correction);
}

// v ← momentum · v + keep · g;  p ← p − lr · v, or p − lr · (g + momentum · v) with nesterov. Without velocity (null) the step
// is g. Reads g, p, v and writes p, v: 5 · size; without velocity 3 · size.
extern "C" __global__ void sgd(real *__restrict__ p, const real *__restrict__ g, real *__restrict__ velocity,
                               const double *__restrict__ live, real lr, real momentum, real keep, int nesterov,
                               long long size) {
    long long i = element();
    if (i >= size) return;
    if (live) lr = live[0], momentum = live[1], keep = live[2];
    real step = g[i];
    if (velocity) {
        real v = momentum * velocity[i] + keep * step;
        velocity[i] = v;
        step = nesterov ? step + momentum * v : v;
    }
    p[i] -= lr * step;
}

// m ← β₁ · m + new1 · g;  v ← β₂ · v + new2 · g²;  p ← p − rate · m / (√v + eps), where new = 1 − β, and rate and eps hold the
// corrections of the start from zero. Reads g, p, m, v and writes p, m, v: 7 · size.
extern "C" __global__ void adam(real *__restrict__ p, const real *__restrict__ g, real *__restrict__ m, real *__restrict__ v,
                                const double *__restrict__ live, real rate, real beta1, real beta2, real new1, real new2,
                                real eps, long long size) {
    long long i = element();
    if (i >= size) return;
    if (live) rate = live[0], beta1 = live[1], beta2 = live[2], new1 = live[3], new2 = live[4], eps = live[5];
    real first = beta1 * m[i] + new1 * g[i], second = beta2 * v[i] + new2 * g[i] * g[i];
    m[i] = first;
    v[i] = second;
    p[i] -= rate * first / (sqrt(second) + eps);
}

// v ← α · v + fresh · g²;  d = g / (√v + eps);  p ← p − lr · d, where fresh = 1 − α. With grad_avg m ← α · m + fresh · g, and the
// root is of v − m²; with buffer b ← momentum · b + d, which takes the place of d; both may be null. Reads g, p and writes p,
// and reads and writes each state array: 5 to 9 · size.
extern "C" __global__ void rmsprop(real *__restrict__ p, const real *__restrict__ g, real *__restrict__ square_avg,
                                   real *__restrict__ grad_avg, real *__restrict__ buffer,
                                   const double *__restrict__ live, real lr, real alpha, real fresh, real momentum, real eps,
                                   long long size) {
    long long i = element();
    if (i >= size) return;
    if (live) lr = live[0], alpha = live[1], fresh = live[2], momentum = live[3], eps = live[4];
    real v = alpha * square_avg[i] + fresh * g[i] * g[i], spread = v;
    square_avg[i] = v;
    if (grad_avg) {
        real m = alpha * grad_avg[i] + fresh * g[i];
        grad_avg[i] = m;
        spread = v - m * m;
        if (spread < 0) spread = 0;  // rounding may leave it below 0; NaN stays NaN
    }
    real step = g[i] / (sqrt(spread) + eps);
    if (buffer) {
        step += momentum * buffer[i];
        buffer[i] = step;
    }
    p[i] -= lr * step;
}
