#include "kernels/cpu/tile_panels.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scratch.h"
#include "tensor/creation.h"

namespace gw::kernels::cpu::tile {
namespace {

/// A matrix [lines, terms], along whose lines or terms the memory runs.
Lines lines_of(const Tensor& memory, int64_t lines, int64_t terms, bool along_terms, bool is_a) {
  return {memory.data<float>(), along_terms ? terms : 1, along_terms ? 1 : lines, lines, is_a};
}

float at(const Lines& l, int64_t line, int64_t term) { return l.data[line * l.line_stride + term * l.term_stride]; }

std::vector<float> product(const Lines& a, const Lines& b, int64_t terms, Parts parts) {
  const int64_t elements = panel_elements(terms, parts);
  const Scratch memory(elements);  // of two panels of bf16
  auto* a_panel = reinterpret_cast<bf16*>(memory.data());
  bf16* b_panel = a_panel + elements;
  pack_panel(a, 0, {0, terms}, parts, a_panel);
  pack_panel(b, 0, {0, terms}, parts, b_panel);
  const Registers registers;
  alignas(64) float sums[kPanel * kPanel];
  multiply_panels(a_panel, b_panel, ceil_div(terms, kDepth), parts, sums);
  return {sums, sums + kPanel * kPanel};
}

// Products of bf16 numbers are exact in f32, so that only the order of the sums is left to differ.
TEST(TilePanels, RoundedNumbersAreTheNearestBf16) {
  for (const int64_t terms : {32, 64, 77})
    for (const int64_t rows : {32, 19})
      for (const bool a_along_terms : {false, true})
        for (const bool b_along_terms : {false, true}) {
          Generator generator(7);
          const int64_t columns = 27;
          const Tensor a_memory = randn({rows * terms}, {}, generator),
                       b_memory = randn({columns * terms}, {}, generator);
          const Lines a = lines_of(a_memory, rows, terms, a_along_terms, true);
          const Lines b = lines_of(b_memory, columns, terms, b_along_terms, false);
          const std::vector<float> sums = product(a, b, terms, Parts::rounded);
          for (int64_t r = 0; r < kPanel; ++r)
            for (int64_t c = 0; c < kPanel; ++c) {
              double expected = 0;
              for (int64_t k = 0; k < terms && r < rows && c < columns; ++k)
                expected += static_cast<double>(static_cast<float>(bf16(at(a, r, k)))) *
                            static_cast<double>(static_cast<float>(bf16(at(b, c, k))));
              ASSERT_NEAR(sums[static_cast<size_t>(r * kPanel + c)], expected, 2e-5)
                  << terms << " terms, row " << r << ", column " << c;
            }
        }
}

}  // namespace
}  // namespace gw::kernels::cpu::tile
