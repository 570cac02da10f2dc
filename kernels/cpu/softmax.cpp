#include "kernels/cpu/softmax.h"

#include "kernels/cpu/lines.h"

namespace gw::kernels::cpu {
namespace {

/// The logsumexp of a line whose largest number is infinite: that number (the difference from it would be NaN), unless
/// there is a NaN, which comparisons passed over.
template <class T>
float infinite_or_nan(const T* x, LineShape s, float max) {
  for (int64_t c = 0; c < s.length; ++c) {
    const float value = static_cast<float>(x[c * s.inner]);
    if (value != value) return value;
  }
  return max;
}

}  // namespace

// Exponentials are computed twice, for the sum and for the result: that is cheaper than a pass over memory between, and
// rounds only once in bf16.
void softmax(const Tensor& y, const Tensor& x, LineShape lines) {
  visit_floating(x.dtype(), "softmax", [&](auto type) {
    using T = decltype(type);
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const a = from + strip.offset;
      T* const b = to + strip.offset;
      LineStatistics line;
      strip_statistics(a, lines, strip.width, line);
      for (int64_t i = 0; i < strip.width; ++i) line.sum[i] = 1 / line.sum[i];
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t) {
        b[k] = T(math::exp(static_cast<float>(a[k]) - line.max[i]) * line.sum[i]);
      });
    });
  });
}

void softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines) {
  visit_floating(y.dtype(), "softmax", [&](auto type) {
    using T = decltype(type);
    const T* const gradients = dy.data<T>();
    const T* const results = y.data<T>();
    T* const to = dx.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const g = gradients + strip.offset;
      const T* const p = results + strip.offset;
      T* const d = to + strip.offset;
      float dot[kStripWidth];
      sum_strip(lines, strip.width, dot,
                [&](int64_t k, int64_t, int64_t) { return static_cast<float>(g[k]) * static_cast<float>(p[k]); });
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t) {
        d[k] = T(static_cast<float>(p[k]) * (static_cast<float>(g[k]) - dot[i]));
      });
    });
  });
}

void log_softmax(const Tensor& y, const Tensor& x, LineShape lines) {
  visit_floating(x.dtype(), "log_softmax", [&](auto type) {
    using T = decltype(type);
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const a = from + strip.offset;
      T* const b = to + strip.offset;
      LineStatistics line;
      strip_statistics(a, lines, strip.width, line);
      for (int64_t i = 0; i < strip.width; ++i) line.sum[i] = math::log(line.sum[i]);
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t) {
        b[k] = T(static_cast<float>(a[k]) - line.max[i] - line.sum[i]);
      });
    });
  });
}

void log_softmax_backward(const Tensor& dx, const Tensor& dy, const Tensor& y, LineShape lines) {
  visit_floating(y.dtype(), "log_softmax", [&](auto type) {
    using T = decltype(type);
    const T* const gradients = dy.data<T>();
    const T* const results = y.data<T>();
    T* const to = dx.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const g = gradients + strip.offset;
      const T* const l = results + strip.offset;
      T* const d = to + strip.offset;
      float total[kStripWidth];
      sum_strip(lines, strip.width, total, [&](int64_t k, int64_t, int64_t) { return static_cast<float>(g[k]); });
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t) {
        d[k] = T(static_cast<float>(g[k]) - math::exp(static_cast<float>(l[k])) * total[i]);
      });
    });
  });
}

void logsumexp(const Tensor& y, const Tensor& x, LineShape lines) {
  visit_floating(x.dtype(), "logsumexp", [&](auto type) {
    using T = decltype(type);
    const T* const from = x.data<T>();
    T* const to = y.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      LineStatistics line;
      strip_statistics(from + strip.offset, lines, strip.width, line);
      for (int64_t i = 0; i < strip.width; ++i) {
        const float max = line.max[i];
        const bool finite = max - max == 0;
        const float value =
            finite ? max + math::log(line.sum[i]) : infinite_or_nan(from + strip.offset + i, lines, max);
        to[strip.line + i] = T(value);
      }
    });
  });
}

void logsumexp_backward(const Tensor& dx, const Tensor& dy, const Tensor& x, const Tensor& y, LineShape lines) {
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  visit_floating(x.dtype(), "logsumexp", [&](auto type) {
    using T = decltype(type);
    const T* const from = x.data<T>();
    const T* const gradients = dy.data<T>();
    const T* const results = y.data<T>();
    T* const to = dx.data<T>();
    for_each_strip(lines, [=](Strip strip) {
      const T* const a = from + strip.offset;
      T* const d = to + strip.offset;
      float g[kStripWidth], l[kStripWidth];
      for (int64_t i = 0; i < strip.width; ++i) {
        l[i] = static_cast<float>(results[strip.line + i]);
        g[i] = l[i] == kNone ? 0.0f : static_cast<float>(gradients[strip.line + i]);
        if (l[i] == kNone) l[i] = 0;
      }
      for_each_in_strip(lines, strip.width, [&](int64_t k, int64_t i, int64_t) {
        d[k] = T(g[i] * math::exp(static_cast<float>(a[k]) - l[i]));
      });
    });
  });
}

}  // namespace gw::kernels::cpu
