"""Making a model smaller or faster: conversion to ONNX, quantization. Each step reads one folder and writes another."""
