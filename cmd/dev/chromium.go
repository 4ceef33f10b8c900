package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// shell is Chromium without windows, which Debian has as a package of its own. It does a test's work for less than half of what
// the whole browser takes.
const shell = "chromium-headless-shell"

// ensureChromium returns the browser for the tests that need one, and installs it where it can. Without one it says what to
// install and returns "": those tests then say themselves that they did not run.
func ensureChromium(ctx context.Context) string {
	if onDebianAsRoot() && !hasShell() {
		fmt.Println("installing Chromium and fonts for the browser tests, once")
		err := aptInstall(ctx, shell, "fonts-dejavu-core", "fonts-liberation")
		if err != nil && (findChromium() == "" || !hasFonts()) {
			// An older Debian has only the whole browser.
			err = aptInstall(ctx, "chromium", "fonts-dejavu-core", "fonts-liberation")
		}
		if err != nil {
			fmt.Println("WARNING:", err)
		}
	}
	browser := findChromium()
	if browser == "" {
		fmt.Println("WARNING: the browser tests cannot run without Chromium or Chrome:", chromiumAdvice())
	}
	return browser
}

// hasShell reports whether nothing is left to be installed; a browser that somebody names is their choice.
func hasShell() bool {
	_, err := exec.LookPath(shell)
	return hasFonts() && (err == nil || os.Getenv("ATES_CHROMIUM") != "")
}

func findChromium() string {
	candidates := []string{
		os.Getenv("ATES_CHROMIUM"), shell, "chrome-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
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
