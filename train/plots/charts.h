// The lesson's charts and pictures, made from what the callbacks collected.
#pragma once

#include <string>
#include <vector>

#include "train/activation_stats.h"
#include "train/lr_finder.h"
#include "train/plots/figure.h"
#include "train/plots/image_grid.h"
#include "train/recorder.h"

namespace gw {

/// Loss of every step and epoch, the metrics of every epoch, learning rate and momentum.
Figure training_chart(const Recorder& recorder);
/// Loss over learning rate, with the suggested one.
Figure lr_finder_chart(const LRFinderResult& result);

/// A panel for each layer: the histogram of every step as a column of colours (the logarithm of the counts).
Figure color_dim_chart(const std::vector<ActivationStats::Layer>& layers);
/// A panel for each layer: the share of activations close to zero, step by step.
Figure dead_chart(const std::vector<ActivationStats::Layer>& layers);
/// Means and standard deviations of all layers, step by step.
Figure stats_chart(const std::vector<ActivationStats::Layer>& layers);

/// How often each class was taken for each.
Figure confusion_chart(const Tensor& logits, const Tensor& targets, const std::vector<std::string>& classes);
/// Examples of the pairs of classes that are confused most, the surest mistakes first.
Canvas most_confused_grid(const Tensor& logits, const Tensor& targets, const ImageDataset& dataset);
/// Images that the model sees, with the names of their classes.
Canvas batch_grid(const Tensor& x, const Tensor& y, const ImageDataset& dataset, const std::string& title);

}  // namespace gw
