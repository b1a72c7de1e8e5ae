"""Figures as inline SVG whose colours and fonts come from the page."""
