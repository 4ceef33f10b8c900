package main

import "context"

func measureCloseKill(context.Context, *measuring) ([]row, error) { return nil, nil }
