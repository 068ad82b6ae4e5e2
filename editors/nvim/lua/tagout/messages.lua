--- What the server says, without the prompt that Neovim puts up when a message is longer than its line.
local M = {}

local DEFAULT = vim.notify -- as it is when nothing has replaced it
local GROUPS = { [vim.log.levels.WARN] = 'WarningMsg', [vim.log.levels.ERROR] = 'ErrorMsg' }
local MOST_KEPT = 200

--- As much of `text` as fits beside what Neovim shows at the end of the line.
local function fitting(text)
  local room = (vim.o.columns - 1) * math.max(1, vim.o.cmdheight) - 12
  if vim.fn.strdisplaywidth(text) <= room then return text end
  local short = vim.fn.strcharpart(text, 0, room - 1)
  while vim.fn.strdisplaywidth(short) >= room do
    short = vim.fn.strcharpart(short, 0, vim.fn.strcharlen(short) - 1)
  end
  return short .. '…'
end

--- The latest messages, the last one last.
---@type string[]
M.kept = {}

local function keep(text)
  table.insert(M.kept, text)
  if #M.kept > MOST_KEPT then table.remove(M.kept, 1) end
end

--- Shows `text` in one go; `:Tagout messages` has the whole of it. A |vim.notify()| of the user's own gets it as it is.
---@param text string
---@param level integer
function M.show(text, level)
  keep(text)
  if vim.notify ~= DEFAULT or not vim.api.nvim_list_uis()[1] then return vim.notify(text, level) end
  text = text:gsub('%c', ' ')
  vim.cmd.redraw()
  vim.api.nvim_echo({ { fitting(text), GROUPS[level] } }, true, {})
end

--- What `window/showMessage` brings. A question is no such message: it is announced from the overview.
---@param params lsp.ShowMessageParams
function M.receive(params)
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
  M.show(params.message, levels[params.type] or vim.log.levels.INFO)
end

return M
