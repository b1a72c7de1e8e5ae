"""What will happen to them: heads on features, out-of-fold predictions, comparison, calibration."""
