#include "kernels/cpu/im2col_conv.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/fma_vector.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/scratch.h"

namespace gw::kernels::cpu {
namespace {

constexpr int64_t kColumnsBytes = 64 << 20;  // the im2col matrix is made for as many images at a time as fit in this

/// One group of a convolution, by chunks of images: x, im2col matrix [images * positions][taps * in] and y.
struct Im2col {
  const ConvShape& s;
  int64_t in, out, depth, positions, chunk;  // in, out: channels of a group

  Im2col(const ConvShape& shape, size_t element)
      : s(shape), in(s.in_c / s.groups), out(s.out_c / s.groups), depth(s.taps() * in), positions(s.out_h * s.out_w) {
    const int64_t image_bytes = std::max<int64_t>(1, positions * depth * static_cast<int64_t>(element));
    chunk = std::clamp<int64_t>(kColumnsBytes / image_bytes, 1, std::max<int64_t>(1, s.n));
  }

  /// Calls f(tap, input pixel or -1) for the taps of output position p.
  template <class F>
  void for_each_tap(int64_t p, F f) const {
    for (int64_t kh = 0; kh < s.kernel_h; ++kh)
      for (int64_t kw = 0; kw < s.kernel_w; ++kw) {
        const int64_t ih = p / s.out_w * s.stride_h + kh * s.dilation_h - s.pad_h;
        const int64_t iw = p % s.out_w * s.stride_w + kw * s.dilation_w - s.pad_w;
        const bool inside = ih >= 0 && ih < s.in_h && iw >= 0 && iw < s.in_w;
        f(kh * s.kernel_w + kw, inside ? ih * s.in_w + iw : -1);
      }
  }

  template <class T>
  void fill(const T* x, int64_t first, int64_t images, int64_t group, T* columns) const {
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < images * positions; ++row) {
      const T* image = x + (first + row / positions) * s.in_image() + group * in;
      for_each_tap(row % positions, [&](int64_t tap, int64_t pixel) {
        T* to = columns + row * depth + tap * in;
        if (pixel < 0)
          std::fill_n(to, in, T(0.0f));
        else
          std::copy_n(image + pixel * s.in_c, in, to);
      });
    }
  }

  /// The reverse: adds up the columns into the images of dx, which start from zero.
  template <class T>
  void add_up(const float* columns, int64_t first, int64_t images, int64_t group, T* dx) const {
#pragma omp parallel
    {
      std::vector<float> sums(static_cast<size_t>(s.in_h * s.in_w * in));
#pragma omp for schedule(static)
      for (int64_t i = 0; i < images; ++i) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        for (int64_t p = 0; p < positions; ++p)
          for_each_tap(p, [&](int64_t tap, int64_t pixel) {
            const float* from = columns + (i * positions + p) * depth + tap * in;
            for (int64_t c = 0; pixel >= 0 && c < in; ++c) sums[static_cast<size_t>(pixel * in + c)] += from[c];
          });
        for (int64_t pixel = 0; pixel < s.in_h * s.in_w; ++pixel)
          std::copy_n(sums.data() + pixel * in, in, dx + (first + i) * s.in_image() + pixel * s.in_c + group * in);
      }
    }
  }
};

// The weights in the dtype of the activations, as matrix products with AMX want them.
template <class T>
class CastWeight {
 public:
  CastWeight(const ConvShape& s, const float* w) : cast_(std::is_same_v<T, float> ? 0 : s.weight_numel()), data_(w) {
    if constexpr (!std::is_same_v<T, float>) {
      T* to = reinterpret_cast<T*>(cast_.data());
      std::copy_n(w, s.weight_numel(), to);
      data_ = to;
    }
  }
  const void* data() const { return data_; }

 private:
  Scratch cast_;
  const void* data_;
};

template <class T>
MatrixRef rows_of(const T* data, int64_t row_stride) {
  return {data, dtype_of<T>(), 0, row_stride, 1};
}

MatrixRef transposed(MatrixRef m) { return {m.data, m.dtype, 0, m.column_stride, m.row_stride}; }

template <class T>
T* elements(const Scratch& scratch) {
  return reinterpret_cast<T*>(scratch.data());
}

}  // namespace

template <class T>
void im2col_conv_forward(const ConvShape& shape, const T* x, const float* w, const float* bias, T* y) {
  const Im2col m(shape, sizeof(T));
  const CastWeight<T> weight(shape, w);
  const Scratch columns(m.chunk * m.positions * m.depth);
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t i = 0; i < shape.n; i += m.chunk) {
      const int64_t images = std::min(m.chunk, shape.n - i);
      m.fill(x, i, images, g, elements<T>(columns));
      const T* group_weight = static_cast<const T*>(weight.data()) + g * m.out * m.depth;
      multiply({1, images * m.positions, m.out, m.depth, rows_of(elements<T>(columns), m.depth),
                transposed(rows_of(group_weight, m.depth)), y + i * shape.out_image() + g * m.out, dtype_of<T>(), 0,
                shape.out_c, bias ? bias + g * m.out : nullptr});
    }
}

template <class T>
void im2col_conv_backward_input(const ConvShape& shape, const T* dy, const float* w, T* dx) {
  const Im2col m(shape, sizeof(float));
  const CastWeight<T> weight(shape, w);
  const Scratch columns(m.chunk * m.positions * m.depth);
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t i = 0; i < shape.n; i += m.chunk) {
      const int64_t images = std::min(m.chunk, shape.n - i);
      const T* group_weight = static_cast<const T*>(weight.data()) + g * m.out * m.depth;
      multiply({1, images * m.positions, m.depth, m.out, rows_of(dy + i * shape.out_image() + g * m.out, shape.out_c),
                rows_of(group_weight, m.depth), columns.data(), DType::f32, 0, m.depth});
      m.add_up(columns.data(), i, images, g, dx);
    }
}

template <class T>
void im2col_conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, float* dw, float* db) {
  const Im2col m(shape, sizeof(T));
  const Scratch columns(m.chunk * m.positions * m.depth), part(m.out * m.depth);
  std::fill_n(dw, shape.weight_numel(), 0.0f);
  for (int64_t g = 0; g < shape.groups; ++g)
    for (int64_t i = 0; i < shape.n; i += m.chunk) {
      const int64_t images = std::min(m.chunk, shape.n - i);
      m.fill(x, i, images, g, elements<T>(columns));
      const T* group_dy = dy + i * shape.out_image() + g * m.out;
      multiply({1, m.out, m.depth, images * m.positions, transposed(rows_of(group_dy, shape.out_c)),
                rows_of(elements<T>(columns), m.depth), part.data(), DType::f32, 0, m.depth});
      float* to = dw + g * m.out * m.depth;
      for (int64_t k = 0; k < m.out * m.depth; ++k) to[k] += part.data()[k];
    }
  if (!db) return;
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < shape.out_c; ++c) {
    double sum = 0;
    for (int64_t row = 0; row < shape.n * m.positions; ++row) sum += static_cast<float>(dy[row * shape.out_c + c]);
    db[c] = static_cast<float>(sum);
  }
}

template void im2col_conv_forward<float>(const ConvShape&, const float*, const float*, const float*, float*);
template void im2col_conv_forward<bf16>(const ConvShape&, const bf16*, const float*, const float*, bf16*);
template void im2col_conv_backward_input<float>(const ConvShape&, const float*, const float*, float*);
template void im2col_conv_backward_input<bf16>(const ConvShape&, const bf16*, const float*, bf16*);
template void im2col_conv_backward_weight<float>(const ConvShape&, const float*, const float*, float*, float*);
template void im2col_conv_backward_weight<bf16>(const ConvShape&, const bf16*, const bf16*, float*, float*);

}  // namespace gw::kernels::cpu
