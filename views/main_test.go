package views

import (
	"testing"

	"ates/views/viewstest"
)

func TestMain(m *testing.M) { viewstest.Main(m) }
