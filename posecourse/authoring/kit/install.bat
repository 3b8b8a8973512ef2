@echo off
rem Looks for a Python that this kit has packages for: install.bat [FOLDER]
setlocal
for %%v in (@pythons@) do (
  py -%%v "%~dp0install.py" --can >nul 2>nul
  if not errorlevel 1 (
    py -%%v "%~dp0install.py" %*
    goto end
  )
)
python "%~dp0install.py" --can >nul 2>nul
if not errorlevel 1 (
  python "%~dp0install.py" %*
  goto end
)
echo This kit is for Python @pythons@ on Windows, and none of these is here.
echo Is an installer in the folder "more"? Then run it, and this once more.
:end
pause
