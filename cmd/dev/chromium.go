package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// ensureChromium returns the browser for the tests that need one, and installs it where it can. Without one it says what to
// install and returns "": those tests then say themselves that they did not run.
func ensureChromium(ctx context.Context) string {
	browser := findChromium()
	if onDebianAsRoot() && (browser == "" || !hasFonts()) {
		fmt.Println("installing Chromium and fonts for the browser tests, once")
		if err := aptInstall(ctx, "chromium", "fonts-dejavu-core", "fonts-liberation"); err != nil {
			fmt.Println("WARNING:", err)
		}
		browser = findChromium()
	}
	if browser == "" {
		fmt.Println("WARNING: the browser tests cannot run without Chromium or Chrome:", chromiumAdvice())
	}
	return browser
}

func findChromium() string {
	candidates := []string{
		os.Getenv("ATES_CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
	}
	for _, folder := range []string{"/Applications", filepath.Join(os.Getenv("HOME"), "Applications")} {
		candidates = append(candidates,
			filepath.Join(folder, "Chromium.app/Contents/MacOS/Chromium"),
			filepath.Join(folder, "Google Chrome.app/Contents/MacOS/Google Chrome"))
	}
	for _, candidate := range candidates {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	return ""
}

func hasFonts() bool {
	for _, folder := range []string{"dejavu", "liberation*"} {
		if found, err := filepath.Glob(filepath.Join("/usr/share/fonts/truetype", folder)); err != nil || len(found) == 0 {
			return false
		}
	}
	return true
}

func chromiumAdvice() string {
	if runtime.GOOS == "darwin" {
		return "brew install --cask chromium, or name one with ATES_CHROMIUM"
	}
	if _, err := exec.LookPath("apt-get"); err == nil {
		return "sudo apt-get install chromium fonts-dejavu-core fonts-liberation, or name one with ATES_CHROMIUM"
	}
	return "install the package chromium, or name one with ATES_CHROMIUM"
}
