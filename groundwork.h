// Everything a program needs: #include "groundwork.h".
#pragma once

#include "autograd/autograd.h"
#include "tensor/creation.h"
#include "tensor/tensor.h"
