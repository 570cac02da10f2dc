// The ten lines with which another project uses an installed Groundwork.
#include <iostream>

#include "groundwork.h"

int main() {
  gw::Tensor x = gw::tensor({1, 2, 3}, {.requires_grad = true});
  gw::Tensor y = (x * x).sum();
  y.backward();
  std::cout << x.grad() << "\n";
  return x.grad().sum().item() == 12 ? 0 : 1;
}
