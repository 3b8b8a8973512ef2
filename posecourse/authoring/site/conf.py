"""How Sphinx builds the site."""

from posecourse.authoring.slides import MATHJAX

# Blue and orange are the left and right of the drawn skeletons.
_LIGHT = {
    "color-brand-primary": "#0b5a96",
    "color-brand-content": "#0b5a96",
    "color-brand-visited": "#5b3f8c",
    "color-foreground-muted": "#5a6068",
    "color-foreground-border": "#6b7178",
    "color-background-secondary": "#f7f8fa",
    "color-api-name": "#0b5a96",
    "color-api-pre-name": "#0b5a96",
}
_DARK = {
    "color-brand-primary": "#7cc0f4",
    "color-brand-content": "#7cc0f4",
    "color-brand-visited": "#c0a6f0",
    "color-foreground-muted": "#a3a9b1",
    "color-foreground-border": "#8b929b",
    "color-background-primary": "#14171b",
    "color-background-secondary": "#191d22",
    "color-api-name": "#7cc0f4",
    "color-api-pre-name": "#7cc0f4",
}

project = "Human pose estimation"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_codeautolink",
    "posecourse.authoring.site.words",
    "posecourse.authoring.site.mend",
]
# pages
root_doc = "index"
nb_execution_mode = "off"
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["attrs_block", "amsmath", "dollarmath", "html_image"]
myst_heading_anchors = 3
# the reference
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 72
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
codeautolink_disable_link_titles = True
# the look
html_theme = "furo"
html_title = "Human pose estimation"
html_theme_options = {
    "light_css_variables": _LIGHT,
    "dark_css_variables": _DARK,
}
pygments_style = "github-light"
pygments_dark_style = "github-dark"
html_static_path = ["static", str(MATHJAX), str(MATHJAX.with_name("mathjax-LICENSE"))]
html_css_files = ["site.css"]
html_js_files = ["glossary.js", ("site.js", {"defer": "defer"})]
html_logo = "static/logo.svg"
html_favicon = "static/logo.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False  # it would fetch pages; a folder has none
html_domain_indices = False
html_permalinks_icon = "#"
copybutton_selector = "div.highlight pre"
copybutton_exclude = ".linenos, .gp, .go"
# formulas, also those in the questions of a quiz
mathjax_path = MATHJAX.name
myst_update_mathjax = False
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"], ["$", "$"]]},
    "options": {
        "enableMenu": False,
        "ignoreHtmlClass": "mathjax_ignore|document",
        "processHtmlClass": "math|pc-quiz|pc-panel",
    },
}
