"""What works here and what does not, on this host and on the cluster: for `gridengine doctor`."""
