"""Hwang & Zhou 2016, Image Colorization with Deep Convolutional Neural Networks."""
