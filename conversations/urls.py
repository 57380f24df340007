"""Addresses of the chat application."""

from __future__ import annotations

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
