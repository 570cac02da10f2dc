#include "train/plots/plots_callback.h"

#include "train/plots/charts.h"

namespace gw {

void PlotsCallback::before_fit(Learner&) { first_batch_ = {}; }

void PlotsCallback::before_batch(Learner& learner) {
  if (learner.training && !first_batch_.x.defined()) first_batch_ = learner.batch;
}

void PlotsCallback::after_epoch(Learner& learner) {
  if (learner.training && first_batch_.y.defined()) {
    folder_->add("first_batch", "The first batch of training, as the model sees it",
                 batch_grid(first_batch_.x, first_batch_.y, learner.train_loader.dataset(), "First batch"));
    first_batch_.y = {};  // drawn
  }
  if (!learner.training) folder_->add("training", "Loss, metrics and learning rate", training_chart(*recorder_));
}

void PlotsCallback::cleanup_fit(Learner&) {
  const std::vector<ActivationStats::Layer> layers = activations_->layers();
  if (layers.empty() || layers.front().means.empty()) return;
  folder_->add("activation_stats", "Mean and standard deviation of the activations of each layer", stats_chart(layers));
  folder_->add("color_dim", "Histograms of the absolute activations of each layer, step by step",
               color_dim_chart(layers));
  folder_->add("dead", "Share of the activations of each layer that are close to zero", dead_chart(layers));
}

void plot_mistakes(PlotFolder& folder, const Tensor& logits, const Tensor& targets, const ImageDataset& dataset) {
  folder.add("confusion", "Confusion matrix of the validation data: how often each class was taken for each",
             confusion_chart(logits, targets, dataset.classes));
  folder.add("most_confused", "The surest mistakes of the pairs of classes that are confused most",
             most_confused_grid(logits, targets, dataset));
}

}  // namespace gw
